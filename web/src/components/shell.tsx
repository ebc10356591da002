import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Account } from "../api/types";
import { useFeedState } from "../api/use-events";
import { HelpDialog } from "../keyboard/help-dialog";
import { useShortcuts } from "../keyboard/shortcuts";
import { MODELS_PAGE } from "../models/address";
import { useMay } from "../session/session";
import { useUploads } from "../uploads/uploads";
import { AccountMenu } from "./account-menu";
import { Icon, type IconName } from "./icon";

/** What surrounds every page: the bar with the way to the others, and what is reached from everywhere. */
export function Shell({ account, children }: { account: Account; children: ReactNode }) {
  const [help, setHelp] = useState(false);
  const [path, navigate] = useLocation();
  const mayUpload = useMay("operator");
  useShortcuts({
    "?": () => setHelp(true),
    "/": () => {
      const filter = document.getElementById("filter");
      if (filter) filter.focus();
      else navigate("/library?focus=filter");
    },
  });
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="bar">
        <Link href="/" className="brand">
          <Mark />
          <span>weir</span>
        </Link>
        <nav aria-label="Pages">
          <NavLink href="/" icon="chart" label="Overview" current={path === "/"} />
          <NavLink href="/library" icon="film" label="Library" current={path === "/library"} />
          <NavLink href={MODELS_PAGE} icon="models" label="Models" current={path === MODELS_PAGE} />
          {mayUpload && <NavLink href="/upload" icon="upload" label="Upload" current={path === "/upload"} />}
        </nav>
        <div className="bar-end">
          <UploadsSign />
          <LiveSign />
          <AccountMenu account={account} onHelp={() => setHelp(true)} />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </>
  );
}

interface NavLinkProps {
  href: string;
  icon: IconName;
  label: string;
  current: boolean;
}

function NavLink({ href, icon, label, current }: NavLinkProps) {
  return (
    <Link href={href} aria-current={current ? "page" : undefined}>
      <Icon name={icon} />
      <span>{label}</span>
    </Link>
  );
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M3 11c4 0 4 3.500 8 3.500s4-3.500 8-3.500 4 3.500 8 3.500" />
      <path className="piles" d="M6 20v7M13 20v7M20 20v7M27 20v7" />
    </svg>
  );
}

/** Whether what is shown follows the server. */
function LiveSign() {
  const state = useFeedState();
  const live = state === "live";
  return (
    <span className={live ? "live on" : "live"} role="status" title={live ? "Changes are shown as they happen" : "Reconnecting to the server"}>
      {live ? "Live" : "Connecting"}
    </span>
  );
}

/** Uploads go on while other pages are open; this says so. */
function UploadsSign() {
  const { items } = useUploads();
  const open = items.filter((item) => item.state === "waiting" || item.state === "sending").length;
  if (open === 0) return null;
  return (
    <Link href="/upload" className="live on">
      Uploading {open}
    </Link>
  );
}
