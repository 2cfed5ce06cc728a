// node validate.js FILE: exits with 1, and says why, unless FILE is a valid
// OpenAPI 3.1 document by the specification's own JSON Schema.
import { Validator } from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const { valid, errors } = await validator.validate(process.argv[2]);
if (!valid || validator.version !== "3.1") {
  console.error(validator.version, JSON.stringify(errors, null, 1));
  process.exit(1);
}
