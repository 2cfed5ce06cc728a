package main

import (
	"fmt"
	"slices"
	"strings"

	"sealpost/internal/signature"
	"sealpost/internal/typo"
)

// frameworkNames are the values of --framework.
func frameworkNames() []string {
	known := signature.Frameworks()
	names := make([]string, len(known))
	for i := range known {
		names[i] = known[i].Name
	}
	return names
}

// otherNames are names that people give to a framework, by its own.
var otherNames = map[string]string{
	"next": "nextjs", "next.js": "nextjs", "nest": "nestjs", "aws-lambda": "lambda", "aws": "lambda", "apigateway": "lambda", "api-gateway": "lambda",
	"django-rest-framework": "django", "drf": "django", "starlette": "fastapi", "ruby-on-rails": "rails", "rack": "sinatra",
	"spring-boot": "spring", "springboot": "spring", "asp.net": "aspnetcore", "asp.net-core": "aspnetcore", "aspnet": "aspnetcore", "dotnet": "aspnetcore",
	"golang": "go", "net/http": "go", "nethttp": "go", "gin": "go", "echo": "go", "chi": "go",
}

// framework is the value of --framework in the case of its list.
func framework(given string) (string, error) {
	if given == "" {
		return "", nil
	}
	word := strings.ToLower(strings.TrimSpace(given))
	names := frameworkNames()
	if slices.Contains(names, word) {
		return word, nil
	}
	hint := "the line that gives the raw body is in your framework's documentation"
	likely, known := otherNames[strings.ReplaceAll(word, " ", "-")]
	if !known {
		likely = typo.Nearest(word, names)
	}
	if likely != "" {
		hint = "did you mean " + likely + "?"
	}
	return "", &usageError{fmt.Sprintf("--framework %q is none of %s", given, strings.Join(names, ", ")), hint}
}
