import { Link } from "wouter";
import { Empty } from "../components/note";
import { useTitle } from "../components/use-title";

export function NotFoundPage() {
  useTitle("Not found");
  return (
    <div className="page">
      <h1>Not found</h1>
      <Empty title="There is no such page.">
        <Link href="/library">Go to the library</Link>
      </Empty>
    </div>
  );
}
