export class AppService {}
export const port = 3000;
