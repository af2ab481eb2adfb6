// Places in custom objects by dotted path, as scale subresources name them: `.spec.replicas`.

const stepsOf = (path: string) => path.replace(/^\./, '').split('.');

export function valueAt(object: unknown, path: string): unknown {
  let at = object;
  for (const step of stepsOf(path)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

/** Makes the objects on the way; what is there and is no object stays, and so does what lies below it. */
export function setValueAt(object: object, path: string, value: unknown): void {
  const steps = stepsOf(path);
  let at = object as Record<string, unknown>;
  for (const step of steps.slice(0, -1)) {
    const next = Object.hasOwn(at, step) ? at[step] : undefined;
    if (next === undefined) at[step] = {};
    else if (typeof next !== 'object' || next === null || Array.isArray(next)) return;
    at = at[step] as Record<string, unknown>;
  }
  at[steps.at(-1)!] = value;
}
