package store

import "time"

// UseDriver has all connections opened with another driver.
func UseDriver(name string) { driverName = name }

// SetPageTime changes how long a page of a list may look, until restore is called.
func SetPageTime(d time.Duration) (restore func()) {
	before := pageTime
	pageTime = d
	return func() { pageTime = before }
}
