/** The sign of the house: a postmark, a ring with the lines of the cancellation beside it. */
export function Postmark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" fill="none" aria-hidden="true" className={className}>
      <g stroke="currentColor" strokeLinecap="round">
        <circle cx="12.5" cy="16" r="9.75" strokeWidth="2" />
        <circle cx="12.5" cy="16" r="5.75" strokeWidth="1.25" strokeDasharray="1.5 2.1" />
        <path
          d="M22.9 11.2c1.6-1.1 2.7-1.1 4.1 0s2.5 1.1 3.5.3M23.6 16c1.5-1 2.5-1 3.6 0s2.3 1 3.3.2M22.9 20.8c1.6-1.1 2.7-1.1 4.1 0s2.5 1.1 3.5.3"
          strokeWidth="1.75"
        />
        <path d="M9.4 18.4v-4.6l3.1 2.9 3.1-2.9v4.6" strokeWidth="1.75" strokeLinejoin="round" />
      </g>
    </svg>
  );
}
