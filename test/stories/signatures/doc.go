// Package signatures holds stories of signatures: verifying, explaining, listening.
package signatures
