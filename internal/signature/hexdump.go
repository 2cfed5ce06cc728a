package signature

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
)

// hexDump reads the output of xxd and hexdump -C.
func hexDump(b []byte) []byte {
	var out []byte
	for line := range bytes.Lines(b) {
		offset, rest, found := strings.Cut(strings.TrimSpace(string(line)), " ")
		offset = strings.TrimSuffix(offset, ":")
		if _, err := strconv.ParseUint(offset, 16, 63); err != nil || len(offset) < 4 {
			return nil
		}
		if !found {
			continue // the last offset of hexdump
		}
		rest, _, _ = strings.Cut(rest, "|")
		if before, _, text := strings.Cut(strings.TrimSpace(rest), "   "); text {
			rest = before
		}
		rest, _, _ = strings.Cut(strings.TrimSpace(rest)+"  \x00", "  \x00")
		row := ""
		for field := range strings.FieldsSeq(rest) {
			if _, err := hex.DecodeString(field); err != nil || len(row) >= 32 {
				break
			}
			row += field
		}
		raw, err := hex.DecodeString(row)
		if err != nil {
			return nil
		}
		out = append(out, raw...)
	}
	return out
}
