/** The JSON Schema of scenario files, as editors use it; schema/scenario.schema.json is its text. */
import { z } from 'zod';
import { wholeFileSchema } from './scenario-schema.ts';
import { SCHEMA_REFERENCE } from './scenario-write.ts';

/** Where the text lies in the package. */
export const SCHEMA_FILE = 'schema/scenario.schema.json';

/** The text of the schema. */
export function schemaText(): string {
  const { $schema, ...schema } = z.toJSONSchema(wholeFileSchema, { io: 'input', unrepresentable: 'any' });
  const head = {
    $schema,
    $id: SCHEMA_REFERENCE,
    title: 'Scenario of vmlockstep',
    description:
      'A machine and the operations run on it. The result of an operation may be named by "as"; later addresses may be ' +
      'written as that name, with ".end" for the end of what was allocated, or as MAP.min and MAP.max, plus or minus a number.',
  };
  return `${JSON.stringify({ ...head, ...schema }, null, 2)}\n`;
}
