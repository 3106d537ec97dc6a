import { readFile } from 'node:fs/promises';
import { CATALOGUE, type FindingId } from '../../lib/findings/catalogue.js';
import { adapters } from '../support/applications.js';
import { badApplications, badMoments, foundIn, startBad, type Id } from '../support/bad-application.js';
import { findingsOf } from '../support/sessions.js';
import { EVERYTHING, shared } from '../support/everything.js';

describe.each(adapters)('on %s', (platform, newAdapter) => {
  describe.each(badApplications.map((bad) => [bad.name, bad] as const))('%s', (_name, bad) => {
    const findings = Object.entries(bad.findings).map(([id, subject]) => [id as Id, `${id} ${subject}`] as const);

    it('has exactly the findings it was made for', async () => {
      expect(foundIn(await startBad(platform, newAdapter, bad))).toEqual(findings.map(([, finding]) => finding));
    });

    // One flaw at a time in `npm run test:all`; in `npm test` every other flaw at once, and the rest on the other adapter.
    const fixes = shared(findings, platform === 'Express' ? 0 : 1, adapters.length).map(([id]) => id);
    it.each((EVERYTHING ? fixes.map((id) => [id]) : [fixes]).map((ids) => [ids.join(', '), ids] as const))(
      'without the flaw of %s has all the others',
      async (_names, ids) => {
        const fixed = new Set(ids);
        const left = findings.filter(([id]) => !fixed.has(id)).map(([, finding]) => finding);
        expect(foundIn(await startBad(platform, newAdapter, bad, fixed))).toEqual(left);
      },
    );
  });
});

/** Findings that need more than an application and a request, with the spec that shows them. */
const ELSEWHERE: Partial<Record<FindingId, string>> = {
  SEC112: 'live/transport-findings',
  SEC113: 'audit/boot-findings',
  SEC114: 'live/transport-findings',
  SEC115: 'live/transport-findings',
  SEC116: 'live/serverless.all',
  SEC226: 'session/store-findings',
  SEC227: 'session/store-findings',
  SEC228: 'session/store-findings',
  SEC229: 'session/store-findings',
  SEC240: 'websockets/sessions',
  SEC241: 'guard/recent-sign-in',
  SEC242: 'guard/recent-sign-in',
  SEC250: 'device-bound/device-bound-sessions',
  SEC251: 'device-bound/device-bound-sessions',
  SEC252: 'device-bound/device-bound-sessions',
  SEC253: 'device-bound/device-bound-sessions',
  SEC254: 'device-bound/device-bound-sessions',
  SEC321: 'guard/placed-handlers',
  SEC322: 'guard/other-contexts',
  SEC501: 'certificates/renewal',
  SEC502: 'certificates/renewal',
  SEC503: 'certificates/problems',
  SEC504: 'certificates/renewal',
  SEC505: 'certificates/problems',
  SEC506: 'certificates/renewal',
  SEC510: 'probe/judge',
  SEC511: 'probe/judge',
  SEC512: 'probe/judge',
  SEC513: 'probe/judge',
  SEC514: 'probe/judge',
  SEC515: 'probe/judge',
  SEC520: 'probe/judge',
  SEC521: 'probe/judge',
  SEC522: 'probe/judge',
  SEC523: 'probe/judge',
  SEC524: 'probe/judge',
  SEC525: 'probe/judge',
  SEC526: 'probe/judge',
  SEC527: 'probe/judge',
  SEC528: 'probe/judge',
  SEC529: 'probe/judge',
  SEC530: 'probe/judge',
  SEC531: 'probe/judge',
  SEC532: 'probe/judge',
  SEC533: 'probe/judge',
  SEC534: 'probe/judge',
  SEC535: 'probe/judge',
  SEC536: 'probe/judge',
  SEC540: 'probe/judge',
  SEC541: 'probe/judge',
  SEC542: 'probe/judge',
  SEC543: 'probe/judge',
  SEC516: 'probe/judge',
  SEC517: 'probe/judge',
};

describe('every finding of the catalogue', () => {
  it.each(Object.entries(ELSEWHERE))('%s is shown by %s', async (id, spec) => {
    expect(await readFile(new URL(`../${spec}.spec.ts`, import.meta.url), 'utf8')).toContain(id);
  });

  it('is shown by a bad application or a spec that is named here, and has a fix', () => {
    const shown = [
      ...badApplications.flatMap(({ findings }) => Object.keys(findings)),
      ...badMoments.map(({ id }) => id),
      ...Object.keys(ELSEWHERE),
    ];
    expect(shown.toSorted()).toEqual(Object.keys(CATALOGUE).toSorted());
  });

  it('leads to its page', async () => {
    const [[platform, newAdapter] = ['', undefined]] = adapters;
    const [shop] = badApplications;
    if (newAdapter === undefined || shop === undefined) throw new Error('nothing to start');
    const app = await startBad(platform, newAdapter, shop);
    for (const { id, documentation } of findingsOf(app)) expect(documentation).toBe(`docs/findings/${id}.md`);
  });
});
