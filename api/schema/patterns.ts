// Patterns of definitions, compiled once.

const patterns = new Map<string, RegExp>();
const PATTERNS_MAX = 2000;

/** Go's expressions, as near as the language's own come. What does not compile here matches nothing to refuse. */
export function patternOf(pattern: string): RegExp {
  let made = patterns.get(pattern);
  if (made === undefined) {
    try {
      made = new RegExp(pattern.replaceAll('\\z', '$').replaceAll('\\A', '^'), 'u');
    } catch {
      try {
        made = new RegExp(pattern);
      } catch {
        made = /(?:)/;
      }
    }
    if (patterns.size >= PATTERNS_MAX) patterns.clear();
    patterns.set(pattern, made);
  }
  return made;
}
