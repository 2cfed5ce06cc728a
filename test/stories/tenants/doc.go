// Package tenants holds stories of organizations, members and credentials.
package tenants
