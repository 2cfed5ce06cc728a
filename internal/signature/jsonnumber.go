package signature

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// numbers is how a language writes a number that it has read.
type numbers uint8

const (
	numbersKept       numbers = iota
	numbersJavaScript         // ECMA-262, Number::toString
	numbersGo                 // encoding/json of a float64
	numbersPython             // int of any length, repr of a float
	numbersPHP                // 64-bit int, float with serialize_precision -1
	numbersRuby               // Integer of any length, Float#to_s
	numbersJava               // long, Double.toString
	numbersRust               // u64, ryu
	numbersPrinted            // Go's %v of a float64
)

func (n numbers) write(literal string) string {
	if n == numbersPrinted {
		f, err := strconv.ParseFloat(literal, 64)
		if err != nil {
			return literal
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	whole := !strings.ContainsAny(literal, ".eE")
	switch {
	case n == numbersKept || whole && literal != "-0" && len(literal) < 16:
		return literal // below 1e15 all agree
	case (n == numbersPython || n == numbersPHP) && literal == "-0":
		return "0"
	case (n == numbersPython || n == numbersRuby || n == numbersJava || n == numbersRust) && whole:
		if literal == "-0" && n != numbersRust {
			return "0"
		}
		return literal
	case n == numbersPHP && whole:
		if _, err := strconv.ParseInt(literal, 10, 64); err == nil {
			return literal
		}
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return literal // beyond float64: a parser would have refused it
	}
	switch n {
	case numbersPython:
		return pythonFloat(f)
	case numbersPHP:
		return phpFloat(f)
	case numbersRuby, numbersRust:
		return rubyFloat(f, n == numbersRuby)
	case numbersJava:
		return javaFloat(f)
	case numbersJavaScript:
		if f == 0 {
			return "0"
		}
	}
	return shortest(f)
}

// shortest writes a float as encoding/json and JavaScript do: plain from 1e-6
// to 1e21, with an exponent beyond.
func shortest(f float64) string {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return string(bytes.Replace(strconv.AppendFloat(nil, f, 'e', -1, 64), []byte("e-0"), []byte("e-"), 1))
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// pythonFloat is repr: plain from 1e-4 to 1e16, at least one digit behind the
// point, an exponent of at least two digits.
func pythonFloat(f float64) string {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// phpFloat is what smart_str_append_double writes without zero fraction: plain
// from 1e-4 to 1e17, else 1.0e+25.
func phpFloat(f float64) string {
	if abs := math.Abs(f); abs == 0 || abs >= 1e-4 && abs < 1e17 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
	return mantissa + "e" + sign + digits
}

// rubyFloat is Float#to_s: plain from 1e-4 to 1e16, else 1.0e+16. Rust's serde_json
// writes 1e16 there, and plain from 1e-5.
func rubyFloat(f float64, ruby bool) string {
	least := 1e-5
	if ruby {
		least = 1e-4
	}
	if abs := math.Abs(f); abs == 0 || abs >= least && abs < 1e16 {
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !ruby {
		return mantissa + "e" + strings.TrimLeft(strings.TrimPrefix(exponent, "+"), "0")
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	return mantissa + "e" + exponent
}

// javaFloat is Double.toString: plain from 1e-3 to 1e7, else 1.0E10.
func javaFloat(f float64) string {
	if abs := math.Abs(f); abs == 0 || abs >= 1e-3 && abs < 1e7 {
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	sign := strings.TrimPrefix(exponent[:1], "+")
	return mantissa + "E" + sign + strings.TrimLeft(exponent[1:], "0")
}
