/** Which page is shown for which address. Addresses are chosen so that none is one of the API's. */

import { Route, Switch } from "wouter";
import { Failure, Loading } from "./components/note";
import { Shell } from "./components/shell";
import { LibraryPage } from "./pages/library";
import { MODELS_PAGE } from "./models/address";
import { ModelsPage } from "./pages/models";
import { NotFoundPage } from "./pages/not-found";
import { OverviewPage } from "./pages/overview";
import { SignInPage } from "./pages/sign-in";
import { UploadPage } from "./pages/upload";
import { VideoPage } from "./pages/video";
import { SessionProvider, useSession } from "./session/session";
import { UploadsProvider } from "./uploads/uploads";

export function App() {
  return (
    <SessionProvider>
      <Door />
    </SessionProvider>
  );
}

function Door() {
  const { state, ask } = useSession();
  if (state.phase === "asking") {
    return (
      <main className="door">
        <Loading rows={1} label="Asking the server who is signed in" />
      </main>
    );
  }
  if (state.phase === "unreachable") {
    return (
      <main className="door">
        <Failure error={state.error} onRetry={ask} />
      </main>
    );
  }
  if (state.phase === "out") return <SignInPage />;
  return (
    <UploadsProvider>
      <Shell account={state.account}>
        <Switch>
          <Route path="/" component={OverviewPage} />
          <Route path="/library" component={LibraryPage} />
          <Route path="/upload" component={UploadPage} />
          <Route path={MODELS_PAGE} component={ModelsPage} />
          <Route path="/watch/:id">{({ id }) => <VideoPage key={id} id={id} />}</Route>
          <Route component={NotFoundPage} />
        </Switch>
      </Shell>
    </UploadsProvider>
  );
}
