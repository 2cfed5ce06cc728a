package signature

import (
	"slices"
	"strings"
)

// Framework is a web framework, and how a receiver gets the raw body in it.
type Framework struct {
	Name  string   // the value of --framework
	Title string   // as the headings of docs/frameworks.md name it
	kind  string   // the language, as serializers name it
	Lines []string // the lines that give the raw body, as they stand in the page's block
	Short string   // the part of a line that does it
}

// Frameworks returns every framework in the order of docs/frameworks.md.
func Frameworks() []Framework { return slices.Clone(frameworks) }

// FrameworksPage is the page with a whole receiver for each framework.
const FrameworksPage = "docs/frameworks.md"

var frameworks = []Framework{
	{"express", "Express", "javascript", []string{`app.post("/hook", express.raw({ type: "*/*", limit: "2mb" }), (req, res) => {`}, `express.raw({ type: "*/*", limit: "2mb" })`},
	{"fastify", "Fastify", "javascript", []string{`hooks.addContentTypeParser("*", { parseAs: "buffer" }, (request, body, done) => done(null, body));`}, `addContentTypeParser("*", { parseAs: "buffer" }`},
	{"nextjs", "a Next.js route handler", "javascript", []string{`const body = Buffer.from(await request.arrayBuffer());`}, `await request.arrayBuffer()`},
	{"nextjs-pages", "a Next.js API route", "javascript", []string{`export const config = { api: { bodyParser: false } };`, `for await (const chunk of req) chunks.push(chunk);`}, `bodyParser: false`},
	{"nestjs", "NestJS", "javascript", []string{`const app = await NestFactory.create<NestExpressApplication>(AppModule, { rawBody: true });`}, `rawBody: true`},
	{"lambda", "AWS Lambda", "javascript", []string{`const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");`}, `event.isBase64Encoded`},
	{"flask", "Flask", "python", []string{`body = request.get_data()`}, `request.get_data()`},
	{"django", "Django", "python", []string{`body = request.body`}, `request.body`},
	{"fastapi", "FastAPI", "python", []string{`body = await request.body()`}, `await request.body()`},
	{"rails", "Rails", "ruby", []string{`body = request.raw_post`}, `request.raw_post`},
	{"sinatra", "Sinatra", "ruby", []string{`body = request.body.read`}, `request.body.read`},
	{"laravel", "Laravel", "php", []string{`$body = $request->getContent();`}, `$request->getContent()`},
	{"php", "plain PHP", "php", []string{`$body = file_get_contents('php://input');`}, `file_get_contents('php://input')`},
	{"go", "Go (net/http)", "go", []string{`body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2<<20))`}, `io.ReadAll(`},
	{"spring", "Spring Boot", "java", []string{`public ResponseEntity<Void> hook(@RequestHeader HttpHeaders headers, @RequestBody byte[] body) throws GeneralSecurityException {`}, `@RequestBody byte[] body`},
	{"aspnetcore", "ASP.NET Core", "dotnet", []string{`await request.Body.CopyToAsync(buffer);`, `var body = buffer.ToArray();`}, `request.Body.CopyToAsync(buffer)`},
}

// rewriters say what not to hash, by the language that rewrote the body.
var rewriters = map[string]string{
	"javascript": "hash the raw body, not JSON.stringify(req.body)",
	"python":     "hash the raw body, not json.dumps of the parsed one",
	"go":         "hash the raw body, not json.Marshal of the decoded one",
	"php":        "hash the raw body, not json_encode of the decoded one",
	"ruby":       "hash the raw body, not to_json of the parsed one",
	"java":       "hash the raw body, not what Jackson or Gson writes",
	"dotnet":     "hash the raw body, not the serialized model",
}

// line says how to get the raw body in the framework.
func (f *Framework) line() string {
	return "in " + f.Title + ": `" + strings.Join(f.Lines, "` and `") + "`"
}

// fix says what to change in the framework, once its raw body was not hashed.
func (f *Framework) fix() string {
	return "hash the raw body, " + f.line() + "; " + FrameworksPage + " shows the whole receiver"
}

// rawBody is the fix by who rewrote the body: a language has frameworks, a tool or
// a store has another remedy. It is "" when that tells nothing.
func rawBody(kind string) string {
	switch kind {
	case "tool":
		return "keep the bytes as they came: curl --data-binary @FILE sends them unchanged; format a copy for reading"
	case "store":
		return "store the raw body as bytes (bytea, BLOB, or text), not as jsonb or JSON: such a column keeps the values, not the bytes"
	}
	fix, known := rewriters[kind]
	if !known {
		return ""
	}
	var ways []string
	for i := range frameworks {
		if f := &frameworks[i]; f.kind == kind {
			ways = append(ways, "`"+f.Short+"` in "+f.Title)
		}
	}
	return fix + ": " + alternatives(ways) + "; --framework NAME shows the line, " + FrameworksPage + " the whole receiver"
}

// framed puts the line of the given framework into every fix that tells to hash
// the raw body. Fixes with another remedy, for a tool or a store, stay. When no
// cause was found, the line is added: the raw body is what goes wrong most often.
func framed(causes []Cause, name string) {
	at := slices.IndexFunc(frameworks, func(f Framework) bool { return f.Name == name })
	if at < 0 {
		return
	}
	f := &frameworks[at]
	for i := range causes {
		c := &causes[i]
		general := c.Fix == fixRaw || c.Code == CodeBodyObjectText || c.Code == CodeBodyEmpty
		base64 := (c.Code == CodeBodyBase64 || c.Code == CodeBodyNotBase64) && name == "lambda"
		language := slices.ContainsFunc(frameworks, func(other Framework) bool { return c.Fix == rawBody(other.kind) })
		if general || base64 || language {
			c.Fix = f.fix()
		}
		if c.Code == CodeUnknown || c.Code == CodeComputedUnknown {
			c.Fix += "; or " + f.fix()
		}
	}
}
