// Sets of paths into an object: what a field manager owns. The elements of a path are written as FieldsV1 writes
// them (`f:name`, `k:{"name":"app"}`, `v:"x"`, `i:0`), so a set and its JSON form are the same tree.

export type PathElement = string;

type Fields = Record<string, unknown>;

const NO_MEMBERS: ReadonlySet<PathElement> = new Set();
const NO_CHILDREN: ReadonlyMap<PathElement, FieldSet> = new Map();

/**
 * Decoding is put off: most of what managers own is neither looked at nor changed by a write, and goes back as it came.
 * add(), put() and under() are for building a set; what was handed around is not changed any more, so sets share parts.
 */
export class FieldSet {
  #members: Set<PathElement> | undefined;
  #children: Map<PathElement, FieldSet> | undefined;
  /** What this set is as FieldsV1, where that is known. */
  #json: Fields | undefined;
  #isDecoded = true;

  static of(...paths: (readonly PathElement[])[]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  get members(): ReadonlySet<PathElement> {
    if (!this.#isDecoded) this.#decode();
    return this.#members ?? NO_MEMBERS;
  }

  get children(): ReadonlyMap<PathElement, FieldSet> {
    if (!this.#isDecoded) this.#decode();
    return this.#children ?? NO_CHILDREN;
  }

  get isEmpty(): boolean {
    if (!this.#isDecoded) return isEmptyRecord(this.#json!);
    if (this.members.size > 0) return false;
    for (const child of this.children.values()) if (!child.isEmpty) return false;
    return true;
  }

  insert(path: readonly PathElement[]): void {
    let at: FieldSet = this;
    for (const element of path.slice(0, -1)) at = at.under(element);
    at.add(path.at(-1)!);
  }

  add(element: PathElement): void {
    this.#change();
    this.#members ??= new Set();
    this.#members.add(element);
  }

  put(element: PathElement, child: FieldSet): void {
    this.#change();
    this.#children ??= new Map();
    this.#children.set(element, child);
  }

  #change(): void {
    if (!this.#isDecoded) this.#decode();
    this.#json = undefined;
  }

  /** The child below an element, made when it is not there. */
  under(element: PathElement): FieldSet {
    this.#change();
    const known = this.#children?.get(element);
    if (known !== undefined) return known;
    const child = new FieldSet();
    this.put(element, child);
    return child;
  }

  #copy(): FieldSet {
    const copy = new FieldSet();
    if (this.members.size > 0) copy.#members = new Set(this.members);
    if (this.children.size > 0) copy.#children = new Map(this.children);
    return copy;
  }

  union(other: FieldSet): FieldSet {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    const result = this.#copy();
    for (const element of other.members) result.add(element);
    for (const [element, child] of other.children) {
      const own = this.children.get(element);
      result.put(element, own === undefined ? child : own.union(child));
    }
    return result;
  }

  intersection(other: FieldSet): FieldSet {
    const result = new FieldSet();
    const [few, many] = this.members.size < other.members.size ? [this, other] : [other, this];
    for (const element of few.members) if (many.members.has(element)) result.add(element);
    for (const [element, theirs] of other.children) {
      const both = this.children.get(element)?.intersection(theirs);
      if (both !== undefined && !both.isEmpty) result.put(element, both);
    }
    return result;
  }

  difference(other: FieldSet): FieldSet {
    return this.#less(other, false);
  }

  /** Like difference, and whatever lies below a member of `other` goes with it. */
  without(other: FieldSet): FieldSet {
    return this.#less(other, true);
  }

  /** Itself where they have nothing in common. */
  #less(other: FieldSet, withBelow: boolean): FieldSet {
    let result: FieldSet | undefined;
    const rest = () => {
      result ??= this.#copy();
      return result;
    };
    for (const element of other.members) {
      if (this.members.has(element)) rest().#members!.delete(element);
      if (withBelow && this.children.has(element)) rest().#children!.delete(element);
    }
    for (const [element, theirs] of other.children) {
      const own = this.children.get(element);
      if (own === undefined || (withBelow && other.members.has(element))) continue;
      const left = own.#less(theirs, withBelow);
      if (left === own) continue;
      if (left.isEmpty) rest().#children!.delete(element);
      else rest().put(element, left);
    }
    return result ?? this;
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

  toFieldsV1(): Fields {
    if (this.#json !== undefined) return this.#json;
    const json: Fields = {};
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
    if (!isFieldsV1(json)) return undefined;
    const set = new FieldSet();
    set.#json = isCanonical(json) ? json : canonical(json);
    set.#isDecoded = false;
    return set;
  }

  #decode(): void {
    this.#isDecoded = true;
    const json = this.#json!;
    for (const element in json) {
      if (element === '.') continue;
      const below = json[element] as Fields;
      const isAlone = isEmptyRecord(below);
      if (isAlone || '.' in below) {
        this.#members ??= new Set();
        this.#members.add(element);
      }
      if (isAlone) continue;
      const child = new FieldSet();
      child.#isDecoded = false;
      if ('.' in below) {
        const { '.': _, ...rest } = below;
        child.#json = rest;
      } else child.#json = below;
      this.#children ??= new Map();
      this.#children.set(element, child);
    }
  }
}

function isFieldsV1(json: unknown): json is Fields {
  if (!isRecord(json)) return false;
  for (const element in json) {
    if (element === '.') continue;
    if (!/^([fvk]:|i:\d)/.test(element) || !isFieldsV1(json[element])) return false;
  }
  return true;
}

/** Whether it is written as toFieldsV1() writes it: a dot is said only beside what lies below, and says no more. */
function isCanonical(json: Fields): boolean {
  if ('.' in json) return false;
  for (const element in json) {
    const below = json[element] as Fields;
    if (!('.' in below)) {
      if (!isCanonical(below)) return false;
      continue;
    }
    const { '.': dot, ...rest } = below;
    if (!isRecord(dot) || Object.keys(dot).length > 0 || isEmptyRecord(rest) || !isCanonical(rest)) return false;
  }
  return true;
}

function canonical(json: Fields): Fields {
  const written: Fields = {};
  for (const [element, value] of Object.entries(json)) {
    if (element === '.') continue;
    const below = canonical(value as Fields);
    define(written, element, '.' in (value as Fields) && !isEmptyRecord(below) ? { '.': {}, ...below } : below);
  }
  return written;
}

function isEmptyRecord(json: Fields): boolean {
  for (const element in json) if (element !== '.') return false;
  return true;
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
