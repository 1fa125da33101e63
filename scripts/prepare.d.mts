/** A production build of the sources as they are; nothing is done when there is one. Answers whether it built. */
export function buildProduction(
  log: (line: string) => void,
  env: Record<string, string | undefined>,
): Promise<boolean>;
/** The folder of the project. */
export const root: string;
