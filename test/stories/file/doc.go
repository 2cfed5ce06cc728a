// Package file holds stories of the database file: backup, restore, migration, pruning, sealing, and a disk that is full.
package file
