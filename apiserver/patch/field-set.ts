// Sets of paths into an object: what a field manager owns. The elements of a path are written as FieldsV1 writes
// them (`f:name`, `k:{"name":"app"}`, `v:"x"`, `i:0`), so a set and its JSON form are the same tree.

export type PathElement = string;

export class FieldSet {
  readonly members: Set<PathElement>;
  readonly children: Map<PathElement, FieldSet>;

  constructor(members?: Iterable<PathElement>, children?: Iterable<[PathElement, FieldSet]>) {
    this.members = new Set(members);
    this.children = new Map(children);
  }

  static of(...paths: (readonly PathElement[])[]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  get isEmpty(): boolean {
    if (this.members.size > 0) return false;
    for (const child of this.children.values()) if (!child.isEmpty) return false;
    return true;
  }

  insert(path: readonly PathElement[]): void {
    let at: FieldSet = this;
    for (const element of path.slice(0, -1)) at = at.under(element);
    at.members.add(path.at(-1)!);
  }

  /** The child below an element, made when it is not there. */
  under(element: PathElement): FieldSet {
    let child = this.children.get(element);
    if (child === undefined) {
      child = new FieldSet();
      this.children.set(element, child);
    }
    return child;
  }

  union(other: FieldSet): FieldSet {
    const result = new FieldSet(this.members, this.children);
    for (const element of other.members) result.members.add(element);
    for (const [element, child] of other.children) {
      const own = this.children.get(element);
      result.children.set(element, own === undefined ? child : own.union(child));
    }
    return result;
  }

  intersection(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const element of this.members) if (other.members.has(element)) result.members.add(element);
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      if (theirs === undefined) continue;
      const both = child.intersection(theirs);
      if (!both.isEmpty) result.children.set(element, both);
    }
    return result;
  }

  difference(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const element of this.members) if (!other.members.has(element)) result.members.add(element);
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      const rest = theirs === undefined ? child : child.difference(theirs);
      if (!rest.isEmpty) result.children.set(element, rest);
    }
    return result;
  }

  /** Like difference, and whatever lies below a member of `other` goes with it. */
  without(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const element of this.members) if (!other.members.has(element)) result.members.add(element);
    for (const [element, child] of this.children) {
      if (other.members.has(element)) continue;
      const theirs = other.children.get(element);
      const rest = theirs === undefined ? child : child.without(theirs);
      if (!rest.isEmpty) result.children.set(element, rest);
    }
    return result;
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).isEmpty && other.difference(this).isEmpty;
  }

  /** Every path, parents before what is below them, elements in the order in which messages list them. */
  *paths(prefix: readonly PathElement[] = []): Generator<PathElement[]> {
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      if (this.members.has(element)) yield [...prefix, element];
      const child = this.children.get(element);
      if (child !== undefined) yield* child.paths([...prefix, element]);
    }
  }

  toFieldsV1(): Record<string, unknown> {
    const json: Record<string, unknown> = {};
    for (const element of this.members) define(json, element, {});
    for (const [element, child] of this.children) {
      if (child.isEmpty) continue;
      const below = child.toFieldsV1();
      define(json, element, this.members.has(element) ? { '.': {}, ...below } : below);
    }
    return json;
  }

  /** Returns undefined for what is not a set of fields. */
  static fromFieldsV1(json: unknown): FieldSet | undefined {
    if (!isRecord(json)) return undefined;
    const set = new FieldSet();
    for (const [element, below] of Object.entries(json)) {
      if (element === '.') continue;
      if (!/^([fvk]:|i:\d)/.test(element) || !isRecord(below)) return undefined;
      const child = FieldSet.fromFieldsV1(below);
      if (child === undefined) return undefined;
      if ('.' in below || Object.keys(below).length === 0) set.members.add(element);
      if (!child.isEmpty) set.children.set(element, child);
    }
    return set;
  }
}

/** A key such as __proto__ is data. */
function define(json: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(json, key, { value, enumerable: true, configurable: true, writable: true });
  else json[key] = value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As messages write a path: .spec.ports[port=80,protocol="TCP"].name */
export function pathText(path: readonly PathElement[]): string {
  return path.map(elementText).join('');
}

export function elementText(element: PathElement): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'v':
      return `[=${rest}]`;
    case 'k': {
      const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    default:
      return `[${rest}]`;
  }
}
