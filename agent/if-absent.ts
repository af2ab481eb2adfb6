// That something is not there is an answer. That it could not be looked at (too many open files, a disk that errs, a
// mount whose server died) is none, and must not be taken for it: what is in use would be cleared away.

/** For `catch`: the answer for what is not there; every other failure goes on. */
export function ifAbsent<T>(answer: T): (err: unknown) => T {
  return (err) => {
    const { code } = err as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return answer;
    throw err;
  };
}
