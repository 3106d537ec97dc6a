const DELIMITERS = /[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+/;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const PRODUCTIONS: readonly [name: string, production: RegExp][] = [
  ['time', /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D|$)/],
  ['day', /^(\d{1,2})(?:\D|$)/],
  ['month', new RegExp(`^(${MONTHS.join('|')})`, 'i')],
  ['year', /^(\d{2,4})(?:\D|$)/],
];

/** Reads the date of `Expires` as browsers do: in nearly any order, and with nearly anything in between (RFC 6265bis 5.1.1). */
export function parseCookieDate(text: string): Date | undefined {
  const found = new Map<string, readonly string[]>();
  for (const token of text.split(DELIMITERS)) {
    for (const [name, production] of PRODUCTIONS) {
      const match = found.has(name) ? null : production.exec(token);
      if (match === null) continue;
      found.set(name, match.slice(1));
      break;
    }
  }
  if (found.size < PRODUCTIONS.length) return undefined;
  const [year = 0, day = 0] = ['year', 'day'].map((name) => Number(found.get(name)?.[0]));
  const month = MONTHS.indexOf(found.get('month')?.[0]?.toLowerCase() ?? '');
  const [hour = 0, minute = 0, second = 0] = (found.get('time') ?? []).map(Number);
  return dateOf([fullYear(year), month, day, hour, minute, second]);
}

function fullYear(year: number): number {
  if (year > 99) return year;
  return year < 70 ? year + 2000 : year + 1900;
}

type DateParts = [year: number, month: number, day: number, hour: number, minute: number, second: number];

/** Undefined where there is no such date: `Date` carries what is too much over to the next larger unit. */
function dateOf(parts: DateParts): Date | undefined {
  const [year, , day, hour, minute] = parts;
  const date = new Date(Date.UTC(...parts));
  const exists = date.getUTCDate() === day && date.getUTCHours() === hour && date.getUTCMinutes() === minute;
  return exists && year >= 1601 ? date : undefined;
}
