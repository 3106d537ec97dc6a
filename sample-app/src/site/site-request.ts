/** A request of either adapter, as `@Req()` gives it. */
export interface SiteRequest {
  /** Over http there is one too; it is empty and stays so. */
  readonly session?: { readonly userId?: string };
  /** The visitor's address, by the proxies that the site declares. */
  readonly ip?: string;
  readonly headers: { readonly 'user-agent'?: string };
}
