export const settings = readSettings();

function readSettings() {
  throw new RangeError('PORT is not set');
}
