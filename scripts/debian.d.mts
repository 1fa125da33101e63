/** Where a program is, or why it is not to be had. What is fetched for it stays in `directory`. */
export function debianProgram(
  name: string,
  packageName: string,
  directory: string,
): { program: string; missing?: undefined } | { missing: string; program?: undefined };
