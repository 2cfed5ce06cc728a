package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sealpost/internal/deliver"
	"sealpost/internal/webhook"
)

// The JUnit report: one suite for the command, one case for each delivery, in
// the form that CI systems read (the schema of Ant's junitreport, as Jenkins,
// GitLab and GitHub's actions take it).

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr,omitempty"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitProblem `xml:"skipped"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// junit is the report of what was published, and of the error that ended
// it, if there was one.
func junit(all []*published, ended error) junitSuite {
	suite := junitSuite{Name: "sealpost publish"}
	var total time.Duration
	for _, p := range all {
		for i := range p.deliveries {
			c, took := p.testCase(i)
			total += took
			suite.Cases = append(suite.Cases, c)
		}
		for _, e := range p.expected {
			if e.delivery < 0 {
				suite.Cases = append(suite.Cases, junitCase{Class: "sealpost." + p.eventType, Name: "count", Time: seconds(0), Failure: failureOf([]expectation{e})})
			}
		}
	}
	var v verdict
	if stopped := ended != nil && !errors.As(ended, &v); stopped || len(suite.Cases) == 0 {
		c := junitCase{Class: "sealpost.publish", Name: "publish", Time: seconds(0)}
		switch {
		case stopped:
			f := describe(ended)
			c.Error = &junitProblem{Message: f.Message, Type: f.Code, Text: f.Hint}
		case ended != nil:
			c.Failure = &junitProblem{Message: "no webhook wants the event", Type: "unwanted"}
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite.whole(total)
}

// whole counts the cases of a suite.
func (suite junitSuite) whole(total time.Duration) junitSuite {
	suite.Tests, suite.Time = len(suite.Cases), seconds(total)
	for _, c := range suite.Cases {
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Error != nil {
			suite.Errors++
		}
		if c.Skipped != nil {
			suite.Skipped++
		}
	}
	return suite
}

// text is the suite as XML.
func (suite junitSuite) text() ([]byte, error) {
	text, err := xml.MarshalIndent(suite, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

// testCase is one delivery as a test that passed or not.
func (p *published) testCase(i int) (c junitCase, took time.Duration) {
	d := &p.deliveries[i]
	var lines []string
	for _, t := range d.Attempts {
		took += t.Duration
		lines = append(lines, fmt.Sprintf("attempt %d: %s in %s", t.N, deliver.Describe(t), t.Duration.Round(time.Microsecond)))
		if len(t.Response) > 0 {
			lines = append(lines, "answer"+answerSize(t)+":", escaped(answerText(t.Response)))
		}
	}
	c = junitCase{Class: "sealpost." + p.eventType, Name: p.eventType + " → " + p.deliveryName(i), Time: seconds(took), Output: strings.Join(lines, "\n")}
	var missed []expectation
	for _, e := range p.expected {
		if e.delivery == i {
			missed = append(missed, e)
		}
	}
	if c.Failure = failureOf(missed); c.Failure != nil {
		c.Failure.Text = c.Output
	}
	if why := trouble(d); why != "" && !p.refusedAsExpected(i) {
		c.Failure = &junitProblem{Message: why, Type: string(d.State), Text: c.Output}
	}
	return c, took
}

// trouble says why a delivery has not come to its end well; empty when it has.
func trouble(d *webhook.Delivery) string {
	if d.State == webhook.Delivered {
		return ""
	}
	why := "the delivery is " + string(d.State)
	if n := len(d.Attempts); n > 0 {
		why += fmt.Sprintf(" after %d attempt%s, the last one %s", n, plural(n), deliver.Describe(d.Attempts[n-1]))
	}
	return why
}

func failureOf(expected []expectation) *junitProblem {
	var lines []string
	for _, e := range expected {
		if !e.met {
			lines = append(lines, e.String())
		}
	}
	if lines == nil {
		return nil
	}
	return &junitProblem{Message: strings.Join(lines, "; "), Type: "expectation"}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// annotate has failures shown by GitHub Actions, when that is what runs us
// (workflow commands, "Setting an error message").
func (a *app) annotate(all []*published, ended error) {
	if ended == nil || !slices.Contains(a.env, "GITHUB_ACTIONS=true") {
		return
	}
	var v verdict
	if !errors.As(ended, &v) {
		a.annotation("publish", describe(ended).Message)
		return
	}
	said := false
	for _, p := range all {
		for i := range p.deliveries {
			if c, _ := p.testCase(i); c.Failure != nil {
				a.annotation(c.Name, c.Failure.Message)
				said = true
			}
		}
		for _, e := range p.expected {
			if e.delivery < 0 && !e.met {
				a.annotation(p.eventType, e.String())
				said = true
			}
		}
	}
	if !said {
		a.annotation("publish", "no webhook wants the event")
	}
}

// annotation writes one workflow command. It goes to stderr, which the runner
// reads as well: stdout is data.
func (a *app) annotation(title, message string) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	fmt.Fprintf(a.streams.err, "::error title=%s::%s\n", property.Replace(escaped("sealpost "+title)), data.Replace(escaped(message)))
}

// reportForm is what --report begins with.
const reportForm = "junit="

// checkReport refuses a report that can't be written, before anything is sent.
func checkReport(report string) error {
	if report == "" {
		return nil
	}
	name, known := strings.CutPrefix(report, reportForm)
	if !known || name == "" {
		return &usageError{fmt.Sprintf("--report %q is not junit=FILE", report), ""}
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return &usageError{fmt.Sprintf("can't write %s: its folder is not there", name), "make the folder first"}
	}
	return nil
}

// writeSuite writes the report whole or not at all.
func writeSuite(report string, suite junitSuite) error {
	name := strings.TrimPrefix(report, reportForm)
	text, err := suite.text()
	if err != nil {
		return err
	}
	if err := writeWhole(name, text); err != nil {
		return usagef("can't write %s: %v", name, err)
	}
	return nil
}

// hostOf is a URL without what may be secret about it.
func hostOf(text string) string {
	u, err := webhook.ParseURL(text)
	if err != nil || u.Host == "" {
		return "the URL"
	}
	return u.Host
}
