// Package edges holds stories of both edges: one table of commands on the file
// and on a daemon, which must agree, and servers that are not this program.
package edges
