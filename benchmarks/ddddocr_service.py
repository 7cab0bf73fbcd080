"""ddddocr's model behind a plain FastAPI endpoint, as its users write it: what our service is measured against."""

import base64
import sys
from typing import Annotated

import ddddocr
import uvicorn
from fastapi import FastAPI, Form


def main() -> None:
    """Serve on the port that is named."""
    app = FastAPI()
    ocr = ddddocr.DdddOcr(show_ad=False)

    @app.post("/")
    def read(img: Annotated[str, Form()]) -> dict:
        return {"result": ocr.classification(base64.b64decode(img))}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
