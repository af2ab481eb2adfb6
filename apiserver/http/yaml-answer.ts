// YAML for those who ask for it: rare, so its writer is loaded then.
import type { Answer } from './answer.ts';

export async function yamlAnswer(code: number, value: object): Promise<Answer> {
  const { stringify } = await import('yaml');
  const bytes = Buffer.from(stringify(value, { lineWidth: 0, sortMapEntries: true, aliasDuplicateObjects: false }));
  return { code, contentType: 'application/yaml', chunks: [bytes], length: bytes.length };
}
