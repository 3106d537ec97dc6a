import { adapters, createApp } from '../support/applications.js';
import { ask, badMoments, foundIn } from '../support/bad-application.js';

const moments = badMoments.map((moment) => [moment.id, moment] as const);

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  it.each(moments)('%s is found when somebody asks, and not once it is mended', async (id, bad) => {
    for (const fixed of [false, true]) {
      const app = await createApp(newAdapter, bad.parts(fixed));
      const atBoot = foundIn(app);
      await ask(bad, app, fixed);
      const since = foundIn(app).filter((finding) => !atBoot.includes(finding));
      expect(since).toEqual(fixed ? [] : [`${id} ${bad.subject}`]);
    }
  });
});
