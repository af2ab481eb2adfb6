// Whether a cron schedule can be read.
import { CronProblem, parseCron } from '../../../api/cron-spec.ts';

export function cronScheduleProblem(text: string): string | undefined {
  if (text.includes('TZ')) return 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
  try {
    parseCron(text);
    return undefined;
  } catch (err) {
    if (err instanceof CronProblem) return err.message;
    throw err;
  }
}
