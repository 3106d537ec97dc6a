import type { Findings } from '../findings/findings.js';
import { explainStore } from './explain-session.js';
import { UnfitStoreError, type SessionRecords } from './records.js';

/** How often a store that could not be reached at boot is asked again, in milliseconds. */
const RETRY_MILLISECONDS = 5_000;

/** What the probe at boot has found, and may still find where the store could not be reached. */
export interface BootProbe {
  /** What keeps the store from being used; undefined where it fits, or is not known yet. */
  readonly misfit: Error | undefined;
  /** Asks no more. */
  stop(): void;
}

/**
 * Has a store write, read, update, move and remove a throw-away record. A store that cannot be reached is a finding, and
 * is asked again until it answers.
 *
 * @throws UnfitStoreError where it answers and does not keep sessions.
 */
export async function probeAtBoot(records: SessionRecords, findings: Findings): Promise<BootProbe> {
  const probe = new RepeatedProbe(records, findings);
  try {
    await records.probe();
  } catch (error) {
    if (error instanceof UnfitStoreError) throw error;
    findings.report('SEC220', explainStore(error));
    probe.askAgain();
  }
  return probe;
}

class RepeatedProbe implements BootProbe {
  misfit: Error | undefined = undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly records: SessionRecords,
    private readonly findings: Findings,
  ) {}

  askAgain(): void {
    this.timer = setTimeout(() => {
      this.records.probe().catch((error: unknown) => {
        if (!(error instanceof UnfitStoreError)) return this.askAgain();
        this.misfit = error;
        this.findings.report('SEC220', explainStore(error));
      });
    }, RETRY_MILLISECONDS).unref();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
