import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { setState, SessionState, stateOf, type Phase } from '../../lib/session/session-state.js';

/** Every step, from the phase at its left. */
const steps: Record<Phase, readonly Phase[]> = {
  untouched: ['loading', 'active', 'ended', 'failed'],
  loading: ['untouched', 'failed'],
  active: ['persisting', 'persisted', 'ended', 'failed'],
  persisting: ['persisted', 'ended', 'failed'],
  persisted: ['active', 'persisting', 'ended', 'failed'],
  ended: ['active', 'persisting', 'failed'],
  failed: [],
};

const phases = ['untouched', 'loading', 'active', 'persisting', 'persisted', 'ended', 'failed'] as const;

function stateIn(phase: Phase): SessionState {
  const state: SessionState = Reflect.construct(SessionState, []);
  state.phase = phase;
  return state;
}

describe('the session of a request', () => {
  it('is untouched, and empty, at first: nothing has happened to it', () => {
    const state: SessionState = Reflect.construct(SessionState, []);
    expect(state).toMatchObject({ phase: 'untouched', content: '{}' });
    expect(Object.values(state)).not.toContain(true);
  });

  it('is kept on the request', () => {
    const request = new IncomingMessage(new Socket());
    expect(stateOf(request)).toBeUndefined();
    const state = stateIn('active');
    setState(request, state);
    expect(stateOf(request)).toBe(state);
  });

  it.each(phases.flatMap((from) => phases.map((to) => [from, to] as const)))('from %s to %s', (from, to) => {
    const state = stateIn(from);
    if (from === to || steps[from].includes(to)) {
      state.to(to);
      expect(state.phase).toBe(to);
    } else {
      expect(() => state.to(to)).toThrow(new Error(`A session cannot go from ${from} to ${to}.`));
      expect(state.phase).toBe(from);
    }
  });
});
