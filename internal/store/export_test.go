package store

// UseDriver has all connections opened with another driver.
func UseDriver(name string) { driverName = name }
