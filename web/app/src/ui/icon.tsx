/** Drawn on a 24 × 24 grid with a 2 px line; `fill` marks shapes that are filled instead. */
const PATHS = {
  play: { d: "M7 4.5v15l12-7.5z", fill: true },
  pause: { d: "M6 4.5h4v15H6zM14 4.5h4v15h-4z", fill: true },
  volume: { d: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11" },
  muted: { d: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5" },
  figures: { d: "M5 20v-6M12 20V4M19 20v-9" },
  settings: { d: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5" },
  pip: { d: "M20.5 11V6.5a1 1 0 0 0-1-1h-15a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1H10M13 14h7.5v5H13z" },
  fullscreen: { d: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" },
  "fullscreen-exit": { d: "M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5" },
  viewers: { d: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 20.5c.6-4 3.8-6 8-6s7.4 2 8 6" },
  copy: { d: "M9 9h11v11H9zM5.5 15H4V4h11v1.5" },
  check: { d: "M5 12.5l4.5 4.5L19 7.5" },
  eye: { d: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6" },
  "eye-off": {
    d: "M4 4l16 16M9.5 5.9A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 0 1-3 3.7M6 7.5A16 16 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-.9",
  },
  warning: { d: "M12 4L2.5 20h19zM12 10v4.5M12 17.2v.1" },
  info: { d: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 11v5.5M12 7.6v.1" },
  lock: { d: "M5.5 11h13v9.5h-13zM8.5 11V8a3.5 3.5 0 0 1 7 0v3" },
  share: {
    d: "M10 14a4.5 4.5 0 0 0 6.5.3l3-3a4.5 4.5 0 0 0-6.4-6.4L12 6M14 10a4.5 4.5 0 0 0-6.5-.3l-3 3a4.5 4.5 0 0 0 6.4 6.4L12 18",
  },
  "theme-auto": { d: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 3v18M12 7h6M12 12h9M12 17h6" },
  "theme-light": {
    d: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2.5V4M12 20v1.5M2.5 12H4M20 12h1.5M5.3 5.3l1 1M17.7 17.7l1 1M5.3 18.7l1-1M17.7 6.3l1-1",
  },
  "theme-dark": { d: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" },
} as const satisfies Readonly<Record<string, { readonly d: string; readonly fill?: boolean }>>;

export type IconName = keyof typeof PATHS;

/** A picture for the eye only: the control around it carries the name. */
export function Icon({ name }: { readonly name: IconName }) {
  const path: { readonly d: string; readonly fill?: boolean } = PATHS[name];
  return (
    <svg
      class={path.fill === true ? "icon icon-filled" : "icon"}
      viewBox="0 0 24 24"
      width="22"
      height="22"
      aria-hidden="true"
    >
      <path d={path.d} />
    </svg>
  );
}
