// /healthz, /livez and /readyz: checks by name, one by one, excluded, or all with their names.
import type { Answer } from './answer.ts';
import { type Page, textAnswer } from './pages.ts';

/** Throws, or resolves false, when it is not well. */
export interface HealthCheck {
  readonly name: string;
  readonly check: (signal: AbortSignal) => boolean | Promise<boolean>;
}

export function healthPage(endpoint: string, checks: readonly HealthCheck[]): Page {
  return async (path, query, _req, signal) => {
    const only = path.slice(`/${endpoint}`.length + 1);
    if (only !== '') {
      const found = checks.find(({ name }) => name === only);
      if (found === undefined) return undefined;
      return (await isWell(found, signal)) ? textAnswer(200, 'ok') : failure(`internal server error: ${only} failed\n`);
    }
    return report(endpoint, checks, query, signal);
  };
}

async function report(
  endpoint: string,
  checks: readonly HealthCheck[],
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<Answer> {
  const excluded = new Set(query.getAll('exclude').flatMap((names) => names.split(',')));
  const lines: string[] = [];
  let well = true;
  for (const check of checks) {
    if (excluded.delete(check.name)) {
      lines.push(`[+]${check.name} excluded: ok\n`);
      continue;
    }
    const ok = await isWell(check, signal);
    well &&= ok;
    lines.push(ok ? `[+]${check.name} ok\n` : `[-]${check.name} failed: reason withheld\n`);
  }
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => JSON.stringify(name)).join(', ');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}\n`);
  }
  if (!well) return failure(`${lines.join('')}${endpoint} check failed\n`);
  return textAnswer(200, query.has('verbose') ? `${lines.join('')}${endpoint} check passed\n` : 'ok');
}

async function isWell({ check }: HealthCheck, signal: AbortSignal): Promise<boolean> {
  try {
    return await check(signal);
  } catch {
    return false;
  }
}

function failure(text: string): Answer {
  return textAnswer(500, text);
}
