"""A process beside the labelling page that does nothing: prints its process id and priority, then waits."""

import os
import time

from bearcat.labelling.background.child import end_with_parent, lower_priority

if __name__ == "__main__":
    end_with_parent()
    lower_priority()
    print("first line\n\n", os.getpid(), os.nice(0) if hasattr(os, "nice") else 0, flush=True)
    time.sleep(60)
