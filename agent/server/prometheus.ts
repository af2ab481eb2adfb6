// The text format of metrics, version 0.0.4. Pure.

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** When it was measured, where that is not now. */
  readonly atMs?: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly Sample[];
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function exposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(({ labels = {}, value, atMs }) => {
        const pairs = Object.entries(labels).map(([key, each]) => `${key}="${escaped(each)}"`);
        const at = atMs === undefined ? '' : ` ${Math.round(atMs)}`;
        return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}${at}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
