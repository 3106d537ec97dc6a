/** A request of either adapter, as `@Req()` gives it. */
export interface SiteRequest {
  /** Over http there is one too; it is empty and stays so. */
  readonly session?: { readonly userId?: string };
}
