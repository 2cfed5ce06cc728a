// Package webhooks holds stories of the setup of webhooks: one by one, and as documents.
package webhooks
