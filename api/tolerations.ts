// Taints keep pods off a node, tolerations let them on. Asked by the scheduler, by controllers and by the agent.

export interface TaintLike {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface TolerationLike {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** No effect matches all effects; no key with Exists matches all taints. */
export function tolerates(
  { key = '', operator = 'Equal', value = '', effect = '' }: TolerationLike,
  taint: TaintLike,
): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  switch (operator) {
    case 'Exists':
      return true;
    case '':
    case 'Equal':
      return key !== '' && value === (taint.value ?? '');
    case 'Gt':
    case 'Lt':
      return compares(operator, taint.value ?? '', value);
    default:
      return false;
  }
}

function compares(operator: 'Gt' | 'Lt', tainted: string, tolerated: string): boolean {
  const isNumber = (text: string) => /^-?\d+$/.test(text);
  if (!isNumber(tainted) || !isNumber(tolerated)) return false;
  return operator === 'Gt' ? BigInt(tainted) > BigInt(tolerated) : BigInt(tainted) < BigInt(tolerated);
}
