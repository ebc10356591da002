/** Icons as paths on a 16 × 16 grid, drawn with the text's colour. */
const PATHS = {
  play: "M4.500 2.500v11l9-5.500z",
  pause: "M4 2.500h3v11H4zM9 2.500h3v11H9z",
  volume: "M2 6v4h2.500L8 13V3L4.500 6zM10.500 5.200a4 4 0 0 1 0 5.600M12.300 3.400a6.500 6.500 0 0 1 0 9.200",
  muted: "M2 6v4h2.500L8 13V3L4.500 6zM10.500 6l4 4M14.500 6l-4 4",
  fullscreen: "M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10",
  close: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  check: "M3 8.500l3.200 3.200L13 4.800",
  info: "M8 7.300V11.500M8 4.600v.4M14.200 8A6.200 6.200 0 1 1 1.800 8a6.200 6.200 0 0 1 12.400 0z",
  warning: "M8 6.300v3.500M8 11.800v.3M8 2L1.600 13.500h12.800z",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M1.500 8h13M4.500 5l-3 3 3 3M11.500 5l3 3-3 3",
  upload: "M8 11V2.500M4.500 6L8 2.500 11.500 6M2.500 11v2.500h11V11",
  film: "M2 3h12v10H2zM5 3v10M11 3v10M2 6.300h3M2 9.700h3M11 6.300h3M11 9.700h3",
  chart: "M2 13.500h12M4 11V8M7 11V4M10 11V6.500M13 11V2.500",
  search: "M11.500 7a4.500 4.500 0 1 1-9 0 4.500 4.500 0 0 1 9 0zM10.300 10.300L14 14",
  eye: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM10 8a2 2 0 1 1-4 0 2 2 0 0 1 4 0z",
  hidden: "M2.500 2.500l11 11M6.500 3.700A6.500 6.500 0 0 1 8 3.500c4 0 6.500 4.500 6.500 4.500a11 11 0 0 1-2 2.500M4 5a11 11 0 0 0-2.500 3S4 12.500 8 12.500a6.500 6.500 0 0 0 3-.8",
  user: "M11 5a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM2.500 14a5.500 5.500 0 0 1 11 0",
  down: "M3.500 6L8 10.500 12.500 6",
  up: "M3.500 10L8 5.500 12.500 10",
  right: "M6 3.500L10.500 8 6 12.500",
  layers: "M8 2L1.500 5.500 8 9l6.500-3.500zM1.500 8.500L8 12l6.500-3.500M1.500 11.500L8 15l6.500-3.500",
  models: "M8 1.800l5.500 3.100v6.200L8 14.200l-5.500-3.100V4.900zM2.500 4.900L8 8l5.500-3.100M8 8v6.200",
  gear: "M2 4.500h6M12 4.500h2M2 11.500h2M8 11.500h6M12 4.500a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM8 11.500a2 2 0 1 1-4 0 2 2 0 0 1 4 0z",
  trash: "M2.500 4.500h11M6 4.500V2.500h4v2M4 4.500l.6 9h6.800l.6-9",
  again: "M13.500 8a5.500 5.500 0 1 1-1.700-4M13.500 2v3h-3",
  download: "M8 2.500V11M4.500 7.500L8 11l3.500-3.500M2.500 11v2.500h11V11",
  follow: "M8 2v12M4 10l4 4 4-4M3 2h10",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  flag: "M3.500 14V2.500h8L9.500 5.500l2 3h-8",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED: IconName[] = ["play", "pause"];

export function Icon({ name }: { name: IconName }) {
  const filled = FILLED.includes(name);
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill={filled ? "currentColor" : "none"}
        stroke={filled ? "none" : "currentColor"}
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
