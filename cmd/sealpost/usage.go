package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sealpost/internal/typo"
)

// usageError is a command line that makes no sense.
type usageError struct {
	message string
	hint    string
}

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...)}
}

// atMost takes so many arguments, or fewer.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return &usageError{fmt.Sprintf("one argument too many: %q", args[n]), fmt.Sprintf("`%s --help` shows examples", cmd.CommandPath())}
		}
		return nil
	}
}

// exactly asks for as many arguments as names.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return &usageError{fmt.Sprintf("%s is missing", names[len(args)]), fmt.Sprintf("`%s --help` shows examples", cmd.CommandPath())}
		}
		return atMost(len(names))(cmd, args)
	}
}

// group runs for a command that only holds others: alone it shows its help,
// with a word it does not know it is a mistake.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	err := &usageError{message: fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err.hint = "did you mean " + strings.Join(near, " or ") + "?"
	} else {
		err.hint = fmt.Sprintf("`%s --help` lists the commands", cmd.CommandPath())
	}
	return err
}

// flagFault tells in our words what pflag says of a flag that it can't read.
func flagFault(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var malformed *pflag.InvalidSyntaxError
	hint := fmt.Sprintf("`%s --help` shows the flags", cmd.CommandPath())
	switch {
	case errors.As(err, &unknown):
		given, likely := spelling(cmd, unknown)
		if likely != "" {
			hint = "did you mean --" + likely + "? " + hint
		}
		return &usageError{"unknown flag " + given, hint}
	case errors.As(err, &bare):
		given := "--" + bare.GetSpecifiedName()
		if bare.GetSpecifiedShortnames() != "" {
			given = given[1:]
		}
		return &usageError{given + " has no value", fmt.Sprintf("--%s: %s", bare.GetFlag().Name, bare.GetFlag().Usage)}
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return &usageError{fmt.Sprintf("--%s %q is %s", f.Name, invalid.GetValue(), misread(f, err)), fmt.Sprintf("--%s: %s", f.Name, f.Usage)}
	case errors.As(err, &malformed):
		return &usageError{malformed.GetSpecifiedFlag() + " is no flag", hint}
	}
	return &usageError{err.Error(), hint}
}

// spelling is an unknown flag as it was written, and the flag that was likely meant.
func spelling(cmd *cobra.Command, unknown *pflag.NotExistError) (given, likely string) {
	given, word := "--"+unknown.GetSpecifiedName(), unknown.GetSpecifiedName()
	if letters := unknown.GetSpecifiedShortnames(); letters != "" {
		given, word = "-"+word, letters // -data has one hyphen too few
		if len(letters) > 1 {
			given += " in -" + letters
		}
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	return given, typo.Nearest(word, known)
}

// misread says why a value is none for a flag.
func misread(f *pflag.Flag, err error) string {
	if errors.Is(err, strconv.ErrRange) {
		return "out of range"
	}
	switch f.Value.Type() {
	case "bool":
		return "neither true nor false"
	case "int":
		return "no whole number"
	case "uint64":
		return "no whole number from 0"
	default:
		return "no number"
	}
}

// checkRate refuses a number a second that is none.
func checkRate(rate float64) error {
	if rate >= 0 && !math.IsInf(rate, 1) { // NaN is not
		return nil
	}
	return usagef("--rate %g is no number from 0", rate)
}

// Cobra's sentences about flags that belong together; it gives them no types.
var (
	notSet      = regexp.MustCompile(`^required flag\(s\) (".*") not set$`)
	notTogether = regexp.MustCompile(`are set none of the others can be; \[(.*)\] were all set$`)
	notAll      = regexp.MustCompile(`^if any flags in the group \[(.*)\] are set they must all be set; missing \[(.*)\]$`)
	noneOf      = regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`)
)

// asUsage tells in our words what cobra says of arguments and of flags that belong
// together.
func asUsage(cmd *cobra.Command, err error) error {
	var usage *usageError
	if errors.As(err, &usage) {
		return err
	}
	message := err.Error()
	flags := func(names, between string) string {
		return "--" + strings.Join(strings.Fields(strings.NewReplacer(`"`, "", ",", "").Replace(names)), between+"--")
	}
	if m := notSet.FindStringSubmatch(message); m != nil {
		message = flags(m[1], " and ") + " is missing"
		if strings.Contains(m[1], ",") {
			message = flags(m[1], " and ") + " are missing"
		}
	} else if m := notTogether.FindStringSubmatch(message); m != nil {
		message = flags(m[1], " and ") + " can't be given together"
	} else if m := notAll.FindStringSubmatch(message); m != nil {
		message = fmt.Sprintf("%s is missing; %s belong together", flags(m[2], " and "), flags(m[1], " and "))
	} else if m := noneOf.FindStringSubmatch(message); m != nil {
		message = flags(m[1], " or ") + " is missing"
	}
	return &usageError{message, fmt.Sprintf("`%s --help` shows how it is used", cmd.CommandPath())}
}
