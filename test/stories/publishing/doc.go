// Package publishing holds stories of publishing: what is checked, stored, shown and waited for.
package publishing
