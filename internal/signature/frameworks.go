package signature

// rawBody is the line that gives the raw body, by who rewrote it: a language has
// frameworks, a tool or a store has another remedy. A page about a framework can
// add its line here.
func rawBody(kind string) string {
	switch kind {
	case "javascript":
		return "hash the raw body, not JSON.stringify(req.body): in Express app.post(path, express.raw({ type: '*/*' }), …) and hash req.body; in Next.js await request.text(); in Fastify a content type parser with parseAs: 'buffer'"
	case "python":
		return "hash the raw body, not json.dumps of the parsed one: request.get_data() in Flask, request.body in Django, await request.body() in FastAPI"
	case "go":
		return "hash the raw body, not json.Marshal of the decoded one: body, err := io.ReadAll(r.Body), and unmarshal those bytes afterwards"
	case "php":
		return "hash the raw body, not json_encode of the decoded one: file_get_contents('php://input'), in Laravel $request->getContent()"
	case "ruby":
		return "hash the raw body, not to_json of the parsed one: request.raw_post in Rails, request.body.read in Sinatra and Rack"
	case "java":
		return "hash the raw body, not what Jackson or Gson writes: @RequestBody byte[] body in Spring, and read the object from those bytes afterwards"
	case "dotnet":
		return "hash the raw body, not the serialized model: read Request.Body into a MemoryStream in ASP.NET Core (Request.EnableBuffering first), and deserialize those bytes afterwards"
	case "tool":
		return "keep the bytes as they came: curl --data-binary @FILE sends them unchanged; format a copy for reading"
	case "store":
		return "store the raw body as bytes (bytea, BLOB, or text), not as jsonb or JSON: such a column keeps the values, not the bytes"
	}
	return ""
}
