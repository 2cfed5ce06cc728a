// Package provider holds stories of events of the card provider, and receipts from an Ethereum node.
package provider
