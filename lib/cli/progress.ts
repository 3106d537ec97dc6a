/** Says on a stream what is being done. */
export interface Progress {
  say(stage: string): void;
  /** Takes the moving line away. */
  done(): void;
}

/** What progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

const FRAMES = ['|', '/', '-', '\\'];

/** One moving line on a terminal; elsewhere a line for each stage. */
export function progressOn(stream: ProgressStream): Progress {
  if (stream.isTTY !== true) return { say: (stage) => void stream.write(`${stage}\n`), done: () => undefined };
  let current = '';
  let turns = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = (): void => void stream.write(`\r\u001b[2K${FRAMES[turns++ % FRAMES.length]} ${current}`);
  return {
    say(stage) {
      current = stage;
      timer ??= setInterval(draw, 100);
      draw();
    },
    done() {
      clearInterval(timer);
      timer = undefined;
      if (current !== '') stream.write('\r\u001b[2K');
      current = '';
    },
  };
}
