const WIDTH = 110;

/**
 * Comment lines that start with `#`, for nginx, Apache and Caddy alike. Nothing in the text ends the comment or goes on in
 * the next line: routes and options may hold any character.
 */
export function comment(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    if (line !== '' && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => `${indent}# ${each}`.trimEnd());
}

/** A comment that is one line, such as a command to copy. */
export function commentLine(text: string): string {
  return `#   ${printable(text)}`;
}

/** Backslashes would join lines in Apache; `{$` and `${` stand for the environment, also in comments of Caddy. */
function printable(text: string): string {
  return text.replace(/[^ -[\]-~]|[${](?=[${])/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x80 ? `%${code.toString(16).padStart(2, '0')}` : `U+${code.toString(16).toUpperCase()}`;
  });
}
