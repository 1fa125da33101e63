/** How a letter looks while it is written: near to what mail programs make of bare HTML. */
export const letterTypography = [
  'text-[0.9375rem] leading-relaxed [overflow-wrap:anywhere]',
  '[&_p]:my-2 [&>*:first-child]:mt-0! [&_h1]:mt-4 [&_h1]:mb-2 [&_h1]:text-2xl [&_h1]:font-bold',
  '[&_h2]:mt-4 [&_h2]:mb-2 [&_h2]:text-xl [&_h2]:font-bold [&_h3]:mt-3 [&_h3]:mb-1.5 [&_h3]:text-lg [&_h3]:font-semibold',
  '[&_ul]:my-2 [&_ul]:list-disc [&_ul]:pl-6 [&_ol]:my-2 [&_ol]:list-decimal [&_ol]:pl-6 [&_li_p]:my-0.5',
  '[&_blockquote]:my-2 [&_blockquote]:border-l-3 [&_blockquote]:border-edge/60 [&_blockquote]:pl-3 [&_blockquote]:text-muted',
  '[&_a]:text-accent [&_a]:underline [&_hr]:my-4 [&_hr]:border-line [&_img]:inline [&_img]:h-auto [&_img]:max-w-full',
  '[&_code]:rounded-sm [&_code]:bg-sunken [&_code]:px-1 [&_code]:font-mono [&_pre]:rounded-md [&_pre]:bg-sunken [&_pre]:p-3',
].join(' ');
