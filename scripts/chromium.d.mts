/** The path of a browser that Playwright can drive; one is installed where there is none. */
export function findChromium(log: (line: string) => void): Promise<string>;
