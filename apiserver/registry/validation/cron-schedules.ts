// Whether a cron schedule can be read.
import { CronProblem, parseCron } from '../../../api/cron-spec.ts';

export function cronScheduleProblem(text: string): string | undefined {
  try {
    // Schedules of old may name a zone.
    parseCron(text.replace(/^(?:CRON_)?TZ=\S+\s+/, ''));
    return undefined;
  } catch (err) {
    if (err instanceof CronProblem) return err.message;
    throw err;
  }
}
