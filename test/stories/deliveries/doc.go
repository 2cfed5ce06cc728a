// Package deliveries holds stories of deliveries: what is shown of them, retried, followed.
package deliveries
