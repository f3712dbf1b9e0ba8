# The site for compose.yaml; untested, as that file says.
FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
# Production settings want these before they do anything; the files do not depend on them.
RUN DEBUG=false SECRET_KEY=build ALLOWED_HOSTS=build DATABASE_URL=sqlite:////tmp/build.sqlite3 \
    python manage.py collectstatic --noinput \
    && useradd --system blog && mkdir -p var && chown blog var
USER blog
CMD ["gunicorn"]
